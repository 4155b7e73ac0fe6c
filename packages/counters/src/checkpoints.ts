import { CountersError } from './errors.ts';
import type { Generations } from './generation.ts';
import { checkpointField } from './keys.ts';
import type { CounterSession, Master } from './session.ts';
import { rangesOf, slotsText } from './slots.ts';

/** How far a partition is counted. */
export interface Checkpoint {
  /** A partition id. */
  partition: string;
  /** Everything through this offset is counted. Undefined to leave what is there. */
  through?: number | undefined;
  /** Everything acknowledged to producers by then (epoch ms) is counted. Undefined to leave what is there. */
  asOfMs?: number | undefined;
}

interface Ledger {
  session: CounterSession;
  generations: Generations;
}

/** A script may give some thousand values to a command, and each partition has up to four. */
const PARTITIONS_MAX = 1_000;

/**
 * Writes checkpoints on one master, all in one command, and notes with them which slots were seen to have left the master:
 * their users are left out from then on. Call it only when what they say is recorded.
 * @throws CountersError COUNTERS_GENERATION when the master was emptied, has begun another generation, or has other slots
 */
export async function writeCheckpoints(
  { session, generations }: Ledger,
  master: Master,
  checkpoints: readonly Checkpoint[],
): Promise<void> {
  const { id, tenure } = generations.get(master)!;
  for (let at = 0; at < checkpoints.length; at += PARTITIONS_MAX) {
    const fields = checkpoints
      .slice(at, at + PARTITIONS_MAX)
      .flatMap(({ partition, through, asOfMs }) => [checkpointField(partition), through ?? '', asOfMs ?? '']);
    const args = [id, tenure, slotsText(rangesOf(master.gone)), ...fields];
    const reply = await session.run(master, 'checkpoint', [master.generationKey], args);
    if (reply !== 1) {
      throw new CountersError('COUNTERS_GENERATION', 'Redis was emptied, or has begun another generation');
    }
  }
}

/**
 * Notes the lowest as-of of all partitions on one master, where readers look for it.
 * @throws CountersError
 */
export async function advanceAsOf(session: CounterSession, master: Master): Promise<void> {
  await session.run(master, 'advance-as-of', [master.generationKey], []);
}

/** Writes a partition's checkpoint on every master. @throws as `writeCheckpoints` */
export async function writeCheckpoint(ledger: Ledger, checkpoint: Checkpoint): Promise<void> {
  await Promise.all(
    [...ledger.generations.keys()].map((master) => writeCheckpoints(ledger, master, [checkpoint])),
  );
}
