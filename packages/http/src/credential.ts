import type { ApiKeyScope } from '@calltally/store';
import type { FastifyRequest } from 'fastify';
import { commonError, type HttpError } from './http-error.ts';

/** What a request was let in by. Shared by all requests that send the same. */
export interface Credential {
  /** The only user that it may name; undefined for a platform key, which names any. */
  readonly userId: string | undefined;
  readonly scope: ApiKeyScope;
  /** Why it ends, once it does not stand any more. */
  refusal(): HttpError;
  /** Whether it is still valid, for what lasts longer than a request. */
  stands(nowMs: number): boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined before authentication. */
    credential: Credential | undefined;
    /** The user whose calls the request is about. Empty before authentication, and with a platform key until it names one. */
    userId: string;
  }
}

/** A strategy of `app.auth`, to run after those that find the credential. */
export type Strategy = (request: FastifyRequest, reply: unknown, done: (error?: Error) => void) => void;

/** Whether the credential has a scope. Also refuses a request without a credential, whatever let it come so far. */
export function verifyScope(scope: ApiKeyScope): Strategy {
  return ({ credential }, _, done) => {
    if (credential === undefined) throw commonError('MISSING_API_KEY');
    if (credential.scope !== scope) throw scopeMissing(credential, scope);
    done();
  };
}

function scopeMissing(credential: Credential, scope: ApiKeyScope): HttpError {
  const owner = credential.userId === undefined ? '--platform' : '--user <user>';
  return commonError('SCOPE_MISSING', {
    message:
      `This needs a key with the scope ${scope}; the one sent has ${credential.scope}. ` +
      `Create one: calltally keys create ${owner} --scope ${scope}`,
    headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  });
}
