import type { Rejection } from '@calltally/contract';
import type { HookDefinition } from './definition.ts';

/** A webhook as it arrived. */
export interface HookRequest {
  /** Signatures cover these bytes, so they are kept as they came. */
  body: Buffer;
  /** Names in lower case, as Node gives them. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The address that the platform called, with its query: some signatures cover it. */
  url: string;
  /** Epoch ms. */
  receivedAtMs: number;
}

/** A secret that a hook accepts. It may have several, while one is rotated. */
export type HookSecret =
  /** Only its SHA-256 is known, as hex: enough where the platform sends the secret itself. */
  | { kind: 'hash'; sha256: string }
  /** The secret (UTF-8), where it is the key of an HMAC. A public key, too. */
  | { kind: 'text'; text: string };

/** Why a webhook is refused. */
export type SignatureFault =
  /** The header that authenticates it is missing or malformed. */
  | 'SIGNATURE_MISSING'
  /** It fits none of the hook's secrets. */
  | 'SIGNATURE_INVALID'
  /** It was signed too long ago, or its time is in the future. */
  | 'SIGNATURE_STALE';

/** What one payload says. */
export type Reading =
  | {
      /** A call event, not checked yet (`checkCallEvent`). */
      event: Readonly<Record<string, unknown>>;
      /**
       * Whether `started_at` is reckoned from `receivedAtMs`, for want of any other time. Of a repetition, the first receipt
       * counts: move `started_at` by the difference.
       */
      startsAtReceipt?: true;
    }
  /** No call, or one that another webhook tells: nothing is published. For people. */
  | { skipped: string }
  /** It means a call, and cannot be read: it becomes a dead letter. */
  | { rejection: Rejection };

/** How the webhooks of one platform are read. Everything is pure. */
export interface Provider {
  /** How a hook keeps its secret: as a hash where the platform sends it, encrypted where it signs, as it is if it is public. */
  secretKept(definition: HookDefinition): 'hashed' | 'encrypted' | 'public';
  /** Whether the platform takes 200 alone for a success, and not 204. */
  readonly wants200?: true;
  /** The payloads that a hook may choose between, as `--events` names them. */
  readonly events: readonly string[];
  /** Those that a hook takes unless it says otherwise. */
  readonly defaultEvents: readonly string[];
  /** Whether they tell of the same calls, so that a hook takes one of them. */
  readonly takesOneEvent?: true;
  /** Whether an operator chooses how requests are authenticated. */
  readonly takesAuth?: true;
  /** @returns undefined if the request comes from the platform */
  verify(
    request: HookRequest,
    secrets: readonly HookSecret[],
    definition: HookDefinition,
  ): SignatureFault | undefined;
  /** Most requests hold one payload, some several. Never throws, whatever the bytes are. */
  read(request: HookRequest, definition: HookDefinition): Reading[];
}
