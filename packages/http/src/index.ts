export { authentication, bearerToken } from './authentication.ts';
export { clientOf, networkOf } from './client-address.ts';
export { type Credential, type Strategy, verifyScope } from './credential.ts';
export { documentation } from './documentation.ts';
export { Drain, movesConnections } from './drain.ts';
export { errorSender, errors, notFound, type TellError } from './errors.ts';
export { HealthProbe } from './health-probe.ts';
export {
  AFTER_A_SECOND,
  COMMON_ERRORS,
  commonError,
  type ErrorBody,
  type ErrorDefinition,
  type ErrorDetails,
  HttpError,
  methodNotAllowed,
} from './http-error.ts';
export { httpMetrics } from './http-metrics.ts';
export { ApiKeyCache } from './keys/api-key-cache.ts';
export { KnownKey } from './keys/known-key.ts';
export { RevocationWatcher } from './keys/revocation-watcher.ts';
export { LogLines } from './log-lines.ts';
export { OutageLog } from './outage-log.ts';
export { maskKeys, toLoggedError } from './redaction.ts';
export { requestContext } from './request-context.ts';
export { requestLog } from './request-log.ts';
export { createServer } from './server.ts';
export { exitWhenUnexpected, listenOrExit, stopWhenAsked } from './service-process.ts';
export { endSpan, tracing } from './tracing.ts';
