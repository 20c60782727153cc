// The icons of the page, as SVG because not every machine has a font with them.

const PATHS = {
  lock: "M4.5 7V5a3.5 3.5 0 0 1 7 0v2h.5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zM6 7h4V5a2 2 0 1 0-4 0z",
  shield: "M8 1.5 13.5 3.4v4.1c0 3.3-2.2 5.9-5.5 7-3.3-1.1-5.5-3.7-5.5-7V3.4zM8 3.1 4 4.5v3c0 2.4 1.5 4.3 4 5.3z",
  send: "M2.2 1.6a.6.6 0 0 1 .8-.3l11.6 6.1a.6.6 0 0 1 0 1.1L3 14.7a.6.6 0 0 1-.8-.7l1.2-4.9L9 8 3.4 6.9 2.2 2z",
  eye: "M8 3.5c3.2 0 5.7 2 7 4.5-1.3 2.5-3.8 4.5-7 4.5s-5.7-2-7-4.5c1.3-2.5 3.8-4.5 7-4.5zm0 1.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zm0 1.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z",
};

export function Icon({ name }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={PATHS[name]} fill="currentColor" fillRule="evenodd" />
    </svg>
  );
}
