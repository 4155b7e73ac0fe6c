import { redisCli } from '../redis-cli.ts';
import type { ClusterNode } from './node.ts';

const KEYS_AT_ONCE = 100;
const MIGRATE_TIMEOUT_MS = 5_000;

/** Moves one slot with its keys between two masters while clients use them, then tells the other masters. */
export async function moveSlot(
  slot: number,
  from: ClusterNode,
  to: ClusterNode,
  others: readonly ClusterNode[],
): Promise<void> {
  const setSlot = (node: ClusterNode, ...state: string[]) =>
    redisCli(node.address, 'CLUSTER', 'SETSLOT', slot, ...state);
  await setSlot(to, 'IMPORTING', from.id);
  await setSlot(from, 'MIGRATING', to.id);
  for (;;) {
    const found = await redisCli(from.address, 'CLUSTER', 'GETKEYSINSLOT', slot, KEYS_AT_ONCE);
    if (found === '') break;
    const target = [to.host, to.port, '', 0, MIGRATE_TIMEOUT_MS];
    await redisCli(from.address, 'MIGRATE', ...target, 'KEYS', ...found.split('\n'));
  }
  // The new owner first: if the old one were told and then killed, the slot would belong to nobody.
  for (const node of [to, from, ...others]) await setSlot(node, 'NODE', to.id);
}
