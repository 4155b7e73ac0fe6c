export { ApiError, ERROR_STATUS, type ErrorBody, type ErrorCode } from './api-error.ts';
export { type AppParts, buildApp } from './app.ts';
export { type Backend, createBackend } from './backend.ts';
export { ApiKeyCache } from './keys/api-key-cache.ts';
export { RevocationWatcher } from './keys/revocation-watcher.ts';
