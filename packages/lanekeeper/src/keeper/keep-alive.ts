/** Keeps the process alive until it is told to stop: an open keeper is reason enough to stay (B58). */
export function keepAlive(): () => void {
  const timer = setInterval(() => {}, 2_147_483_647);
  return () => clearInterval(timer);
}
