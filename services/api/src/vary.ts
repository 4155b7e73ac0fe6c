import type { FastifyReply } from 'fastify';

/** Says that the answer depends on these request headers, beside those that it depends on already. */
export function addVary(reply: FastifyReply, names: string): void {
  const others = reply.getHeader('vary');
  reply.header('vary', others === undefined ? names : `${others}, ${names}`);
}
