// A part of a message that this page cannot render, as JSON.

export function Unsupported({ part }) {
  return (
    <div className="unsupported">
      <b>Not supported by this page: {String(part.type)}</b>
      <code className="raw">{JSON.stringify(part, null, 1)}</code>
    </div>
  );
}
