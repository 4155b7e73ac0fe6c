import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { eventsOfBody } from '../calls/events-of-body.ts';
import { type Judged, judgeEvent, type Refusal } from '../calls/judge-events.ts';
import { ERRORS, IntakeError } from '../intake-error.ts';
import type { RouteParts } from '../parts.ts';
import { CallsSchema } from '../schemas/calls.ts';

/** After it is unpacked. */
export const CALLS_BODY_MAX_BYTES = 1_048_576;

/** `POST /calls`: events of completed calls (docs/intake.md). */
export async function callsRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const { sink, clock, measures, callsBudget } = parts;

  app.post(
    '/calls',
    {
      schema: CallsSchema,
      // Events are checked one by one, and an invalid one costs no other.
      validatorCompiler: () => () => true,
      bodyLimit: CALLS_BODY_MAX_BYTES,
      onRequest: [app.requireWriteKey, callsBudget.admit],
    },
    async (request, reply) => {
      const opened = eventsOfBody(request.body, request.headers['content-type']);
      const { userId } = request.credential!;
      const nowMs = clock();
      const judged = opened.map((one) => judgeEvent(one, userId, nowMs));
      const messages = judged.flatMap(({ message }) => message ?? []);
      await sink.write({ events: messages });
      measures.judged(judged);
      return answer(request, reply, judged, messages.length);
    },
  );
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  judged: readonly Judged[],
  accepted: number,
): FastifyReply {
  const rejected = judged.length - accepted;
  const calls = `${accepted} ${accepted === 1 ? 'call' : 'calls'} accepted`;
  if (rejected === 0) {
    return reply.code(202).send({ success: true, message: calls, data: { accepted, rejected } });
  }
  const data = { accepted, rejected, results: judged.map(resultOf) };
  if (accepted > 0) {
    return reply.code(207).send({ success: true, message: `${calls}, ${rejected} refused`, data });
  }
  const { code, status, message } = refusalOfAll(judged);
  request.errorCode = code;
  return reply.code(status).send({ success: false, message, error: { code }, data });
}

/** The error of a request of which nothing was accepted. That of one event says what is wrong with it. */
function refusalOfAll(judged: readonly Judged[]): IntakeError {
  const isOther = judged.every(({ refusal }) => refusal?.code === 'OTHER_USER');
  const code = isOther ? 'OTHER_USER' : 'EVENTS_INVALID';
  const only = judged.length === 1 ? judged[0]?.refusal : undefined;
  return new IntakeError(code, { message: only?.message ?? ERRORS[code].message });
}

function resultOf({ refusal }: Judged, index: number) {
  return refusal === undefined ? { index, status: 202 } : { index, status: statusOf(refusal), ...refusal };
}

function statusOf({ code }: Refusal): number {
  return code === 'OTHER_USER' ? 403 : 400;
}
