// How long the last approved request took, from the click to the DELETE.

const OUTCOMES = ["token:revoked", "token:refused", "token:failed", "token:unknown"];

// All times are in seconds; null for what has not happened yet. Returns null before the first approval.
export function timing(snapshot) {
  const approved = snapshot.audit_log.findLast((event) => event.name === "request:approved");
  const clickedAt = snapshot.clicks.findLast((at) => approved && at <= approved.at);
  if (clickedAt === undefined) return null;
  const deletes = snapshot.requests.filter(({ method, at }) => method === "DELETE" && at >= clickedAt);
  const since = (request) => (request ? request.at - clickedAt : null);
  const isOutcome = (event) => OUTCOMES.includes(event.name) && event.reference === approved.reference;
  return {
    clickedAt,
    toFirst: since(deletes[0]),
    toSuccess: since(deletes.find(({ status }) => status !== null && status < 300)),
    failures: deletes.filter(({ status }) => status >= 500).length,
    outcome: snapshot.audit_log.findLast(isOutcome)?.name ?? null,
  };
}
