"""What is measured, one file a row of the table; ROWS names them in the table's order."""
