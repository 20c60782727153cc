// What this page cannot draw, shown as what it is.

export function Unknown({ part }) {
  return (
    <div className="unknown">
      <b>Unknown here: {String(part.type)}</b>
      <code className="raw">{JSON.stringify(part, null, 1)}</code>
    </div>
  );
}
