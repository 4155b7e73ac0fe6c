import { type HookDefinition, type HookRequest, PROVIDERS, resolveSecrets } from '@calltally/hooks';
import type { HookRow } from '@calltally/store';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Taken, takeWebhook } from '../hooks/take-webhook.ts';
import { IntakeError } from '../intake-error.ts';
import type { RouteParts } from '../parts.ts';
import { HookSchema } from '../schemas/hooks.ts';

/** Reports of a call may hold its transcript. */
export const HOOK_BODY_MAX_BYTES = 16 * 1_048_576;

declare module 'fastify' {
  interface FastifyRequest {
    /** The hook of the address. */
    hook: HookRow | undefined;
  }
}

interface Route {
  Params: { provider: string; hook: string };
}

/** `POST /hooks/{provider}/{hook}`: webhooks of voice platforms (docs/hooks.md). */
export async function hooksRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const { hooks, hookKeys, sink, store, clock, measures, hooksBudget, publicUrl } = parts;
  app.decorateRequest('hook', undefined);

  /** Before the body is read. A hook of another provider's address is none. */
  async function findHook(request: FastifyRequest<Route>): Promise<void> {
    const { provider, hook } = request.params;
    const row = await hooks.find(hook);
    if (row?.provider !== provider || PROVIDERS[provider] === undefined) {
      return app.refuse(request, new IntakeError('NOT_FOUND', { message: 'There is no such hook.' }));
    }
    request.hook = row;
  }

  app.post<Route>(
    '/hooks/:provider/:hook',
    {
      schema: HookSchema,
      // The body is what signatures cover, and is read afterwards.
      validatorCompiler: () => () => true,
      bodyLimit: HOOK_BODY_MAX_BYTES,
      onRequest: [findHook, hooksBudget.admit],
    },
    async (request, reply) => {
      const row = request.hook!;
      const provider = PROVIDERS[row.provider]!;
      const webhook = webhookOf(request, publicUrl, clock());
      const secrets = resolveSecrets(row, hookKeys, webhook.receivedAtMs);
      const fault = provider.verify(webhook, secrets, row.definition as unknown as HookDefinition);
      if (fault !== undefined) return app.refuse(request, new IntakeError(fault));
      const contentType = request.headers['content-type'];
      const taken = await takeWebhook({ row, provider, request: webhook, contentType }, store.hookReceipts);
      await sink.write(taken);
      measures.webhook(row.provider, taken.outcomes, taken.rejection?.code);
      const { events, letters } = taken;
      if (events.length + letters.length === 0 && !provider.wants200) return reply.code(204).send();
      return reply.send({
        success: true,
        message: messageOf(taken),
        data: { accepted: events.length, dead_letters: letters.length },
      });
    },
  );
}

/** @param publicUrl without it, what the request says of its address */
function webhookOf(
  { headers, body, url, protocol, host }: FastifyRequest,
  publicUrl: string | undefined,
  receivedAtMs: number,
): HookRequest {
  return {
    body: (body as Buffer | undefined) ?? Buffer.alloc(0),
    headers,
    url: `${publicUrl ?? `${protocol}://${host}`}${url}`,
    receivedAtMs,
  };
}

function messageOf({ events, letters }: Taken): string {
  if (letters.length > 0) return 'Webhook stored as a dead letter';
  return events.length > 0 ? 'Webhook accepted' : 'Webhook tells no call';
}
