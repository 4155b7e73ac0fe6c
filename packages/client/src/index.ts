export {
  type Client,
  type ClientOptions,
  type Credential,
  createClient,
  type RequestOptions,
} from './client.ts';
export {
  ApiError,
  type ClientError,
  isClientError,
  TransportError,
  type TransportErrorCode,
} from './errors.ts';
export type { DashboardStream, StreamEvent } from './stream.ts';
export type * from './types.ts';
