// Exits with 0 if the URL answers 2xx within 4 s. A script, because slim images have no curl.
const [address] = process.argv.slice(2);

try {
  const { ok } = await fetch(address, { signal: AbortSignal.timeout(4000) });
  process.exitCode = ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
