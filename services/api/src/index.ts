export { type AppParts, buildApp } from './app.ts';
export { type Backend, createBackend } from './backend.ts';
export { ApiError, ERROR_STATUS, type ErrorBody, type ErrorCode } from './errors.ts';
export { KeyRing } from './keys/key-ring.ts';
export { RevocationWatcher } from './keys/revocation-watcher.ts';
