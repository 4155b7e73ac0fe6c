// Exit status 0 where the address answers with 2xx within 4 s. A script, since slim images have no curl.
const [address] = process.argv.slice(2);

try {
  const { ok } = await fetch(address, { signal: AbortSignal.timeout(4000) });
  process.exitCode = ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
