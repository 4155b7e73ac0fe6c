export { buildApp } from './app.ts';
export { createBackend } from './backend.ts';
