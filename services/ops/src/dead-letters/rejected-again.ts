import { callOfAnotherUser, decodeCallEvent, type Rejection } from '@calltally/contract';
import type { Store } from '@calltally/store';

/**
 * For each value, why ingest would reject it if it came now; undefined where it would take it.
 * @throws StoreError
 */
export async function rejectionsNow(
  store: Store,
  values: readonly (Buffer | null)[],
): Promise<(Rejection | undefined)[]> {
  const nowMs = Date.now();
  const decoded = values.map((value) => decodeCallEvent(value, nowMs));
  const callIds = decoded.flatMap(({ call }) => (call === undefined ? [] : [call.callId]));
  const owners = await store.calls.ownersOf([...new Set(callIds)]);
  return decoded.map(({ call, rejection }) => {
    if (call === undefined) return rejection;
    const owner = owners.get(call.callId);
    return owner === undefined || owner === call.userId ? undefined : callOfAnotherUser(call.callId);
  });
}
