import { reference, serve } from './serve.ts';

await serve(async () => reference.body);
