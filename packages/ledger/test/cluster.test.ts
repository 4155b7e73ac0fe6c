import { readBuckets, readGenerations, SLOTS_MOVED } from '@calltally/counters';
import type { ClusterNode } from '@calltally/stack';
import { test } from 'tap';
import { askNode, clusterWorld, generationKeys, slotOf } from './cluster-world.ts';
import { DAY_MS, readerOf, until } from './support.ts';

const USERS = Array.from({ length: 24 }, (_, i) => `user-${i}`);
/** More than are read again for a master that was away. */
const VERY_MANY = 200_000;
/** So many keys may hold a generation that was forgotten. */
const FORGOTTEN_TAGS = 40;

test('a Redis Cluster whose masters go away and whose slots move', async (t) => {
  const world = await clusterWorld(t);
  const { cluster } = world;
  const consumer = world.consumer();
  const { nodes } = cluster;
  const slots = new Map<string, number>();
  for (const userId of USERS) slots.set(userId, await slotOf(nodes[0]!, `ct2:{${userId}}`));
  const sharing = (slot: number) => USERS.filter((userId) => slots.get(userId) === slot);
  const nodeOf = (port: number) => nodes.find((node) => node.port === port)!;
  const usersOn = (node: ClusterNode) => USERS.filter((userId) => consumer.portOf(userId) === node.port);
  const today = async (userId: string) =>
    (await readBuckets(consumer.session, consumer.ledger.generations, userId, Date.now(), []))?.today;
  /** Everybody's counters equal their rows, and nobody but these is cold. */
  const isExact = async (cold: readonly string[] = []) => {
    const { differences, ...found } = await consumer.audit(USERS);
    t.strictSame(differences, []);
    t.strictSame(found.cold.sort(), [...cold].sort());
  };
  const ids = () => new Map([...consumer.generations()].map(([port, { id }]) => [port, id]));

  await consumer.begin();
  consumer.send(USERS);
  await consumer.count(1_000);
  await consumer.fill(USERS);
  await isExact();

  await t.test(
    'a dead master: the others are counted without it, and it catches up when it is back',
    async (t) => {
      const [dead] = nodes;
      const before = ids();
      const missing = usersOn(dead!);
      const others = USERS.filter((userId) => !missing.includes(userId));
      await dead!.stop('SIGKILL');
      t.match(await consumer.session.ended, { code: 'COUNTERS_LOST' });
      await consumer.begin();
      t.strictSame(
        consumer.session.absent.map(({ address }) => address.port),
        [dead!.port],
      );
      consumer.send(USERS);
      await consumer.count(2_000);
      t.strictSame(
        await Promise.all(others.map(today)),
        others.map(() => 2),
      );
      t.equal(consumer.session.holds(missing[0]!), false);
      t.strictSame((await consumer.audit(others)).differences, []);
      t.equal(await consumer.session.change(), undefined, 'it stays away');

      await dead!.start();
      t.match(await consumer.session.change(), /is back/);
      t.equal(await consumer.begin(), USERS.length, 'from behind what the master counts');
      t.strictSame(ids(), before, 'nobody became cold');
      await consumer.count(3_000);
      await isExact();
      t.strictSame(
        await Promise.all(missing.map(today)),
        missing.map(() => 2),
      );
    },
  );

  await t.test('readers of the other masters notice nothing, and as-of is that of the user', async (t) => {
    const [, , dead] = nodes;
    const { reader, link } = await readerOf(t, world.store, {
      ...world.settings,
      rememberedBytesMax: 10_000_000,
    });
    const missing = usersOn(dead!);
    const others = USERS.filter((userId) => !missing.includes(userId));
    const read = (userId: string, nowMs = Date.now()) =>
      reader.read(userId, { from: nowMs - 60 * DAY_MS, until: nowMs + 1 }, nowMs);
    const answers = (userIds: readonly string[]) => Promise.all(userIds.map((userId) => read(userId)));
    const isCounters = (source: string) => source.startsWith('counters');
    for (const { source, today } of await answers(USERS))
      t.strictSame([isCounters(source), today], [true, 2]);
    const seen = new Map<string, number>();
    let isReading = true;
    const reading = (async () => {
      while (isReading) {
        for (const { source, today } of await answers(others)) {
          const key = `${source} ${today}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }
    })();
    await dead!.stop('SIGKILL');
    await until(
      () => link.current?.session.absent.length,
      (absent) => absent === 1,
    );
    for (const { source, today } of await answers(missing)) t.strictSame([source, today], ['mongo', 2]);
    await consumer.begin();
    consumer.send(USERS);
    await consumer.count(7_000);
    await until(
      () => read(others[0]!),
      ({ asOfMs }) => asOfMs === 7_000,
    );
    await dead!.start();
    const back = await until(
      () => read(missing[0]!),
      ({ source }) => isCounters(source),
    );
    t.strictSame([back.today, back.asOfMs], [2, 3_000], 'its users are as of when it was lost');
    isReading = false;
    await reading;
    t.strictSame(
      [...seen.keys()].filter((key) => !isCounters(key)),
      [],
      `${[...seen]}`,
    );
    await consumer.begin();
    await consumer.count(8_000);
    await isExact();
  });

  await t.test('a master that was away for very long begins anew, and nothing is read again', async (t) => {
    const [, dead] = nodes;
    const before = ids();
    await dead!.stop('SIGKILL');
    await consumer.session.ended;
    await consumer.begin();
    consumer.send(USERS, {}, VERY_MANY);
    await consumer.count(4_000);
    const { next } = consumer;
    await dead!.start();
    t.equal(await consumer.begin(), next);
    for (const [port, id] of ids()) t.equal(id === before.get(port), port !== dead!.port);
    const [generation] = [...consumer.generations()].filter(([port]) => port === dead!.port);
    t.equal(generation![1].checkpoints.get('0:0'), next - 1, 'it counts, at once, whatever is stored');
    await isExact(usersOn(dead!));
    await consumer.fill(USERS);
    await isExact();
  });

  await t.test(
    'the slot of a generation moves: it is brought back, and only users of the slot are cold',
    async (t) => {
      for (const node of nodes) {
        const before = ids();
        const [key] = await generationKeys(node);
        const target = nodes.find((other) => other !== node)!;
        const slot = await slotOf(node, key!);
        await cluster.moveSlots([slot], target);
        t.equal((await generationKeys(target)).length, 2);
        t.match(await consumer.session.change(), /moved/);
        const { next } = consumer;
        t.equal(await consumer.begin(), next, 'nothing is read again');
        t.strictSame(ids(), before);
        for (const one of nodes) {
          const own = consumer.session.masters.find(({ address }) => address!.port === one.port)!;
          t.strictSame(await generationKeys(one), [own.generationKey], 'each has one, where all look for it');
        }
        await isExact(sharing(slot));
        consumer.send(USERS);
        await consumer.count(5_000);
        await consumer.fill(USERS);
        await isExact();
      }
    },
  );

  await t.test('a forgotten generation takes nobody’s place', async (t) => {
    const before = ids();
    let forgotten = 0;
    for (const node of nodes) {
      const master = consumer.session.masters.find(({ address }) => address!.port === node.port)!;
      await askNode(node, async (admin) => {
        const fields = await admin.hgetall(master.generationKey);
        for (let tag = 0; tag < FORGOTTEN_TAGS; tag++) {
          const key = `ct2:ledger:{${tag}}`;
          const slot = Number(await admin.call('CLUSTER', 'KEYSLOT', key));
          if (key === master.generationKey) continue;
          if (!master.slots.some(([first, last]) => slot >= first && slot <= last)) continue;
          const whose = tag % 2 === 0 ? fields.nodes! : 'a master that is gone';
          await admin.hset(key, { ...fields, id: `old-${tag}`, nodes: whose, 'mark:0:0': 3, 'asof:0:0': 1 });
          forgotten++;
        }
      });
    }
    t.ok(forgotten > 10);
    const { next } = consumer;
    t.equal(await consumer.begin(), next, 'as-of does not go back');
    t.strictSame(ids(), before);
    for (const node of nodes) t.equal((await generationKeys(node)).length, 1);
    await isExact();
  });

  const [wanderer] = USERS;
  const wandering = slots.get(wanderer!)!;
  /** Counts as ingest does: a batch is tried again after a slot was seen to have moved. */
  const countAmidMoves = async (asOfMs: number) => {
    consumer.send(USERS);
    await t.rejects(consumer.count(asOfMs), { code: 'COUNTERS_MOVED' });
    t.ok(consumer.session.isOpen, 'nobody starts another epoch for it');
    await consumer.count(asOfMs);
    t.equal(consumer.session.holds(wanderer!), false);
    t.equal(await consumer.session.change(), SLOTS_MOVED, 'another session is due in a while');
  };

  await t.test(
    'a slot has moved: its users are left out until the next epoch, and all others counted',
    async (t) => {
      const from = nodeOf(consumer.portOf(wanderer!));
      const to = nodes.find((node) => node !== from)!;
      const before = ids();
      await cluster.moveSlots([wandering], to);
      await countAmidMoves(9_000);
      const others = USERS.filter((userId) => slots.get(userId) !== wandering);
      t.strictSame((await consumer.audit(others)).differences, []);
      const { next } = consumer;
      t.equal(await consumer.begin(), next, 'nothing is read again');
      t.strictSame(ids(), before);
      t.equal(consumer.portOf(wanderer!), to.port);
      await isExact(sharing(wandering));
      await consumer.fill(USERS);
      await isExact();
    },
  );

  await t.test(
    'a process that was refused adopts the slots as noted, and leaves out whose slot is not',
    async (t) => {
      const from = nodeOf(consumer.portOf(wanderer!));
      // A slot that came back would end the generation.
      const hasLeft = ({ port }: ClusterNode) =>
        consumer
          .generations()
          .get(port)!
          .left.some(([first, last]) => wandering >= first && wandering <= last);
      const to = nodes.find((node) => node !== from && !hasLeft(node))!;
      const tenures = () => [...consumer.generations().values()].map(({ tenure }) => tenure).sort();
      const before = tenures();
      await cluster.moveSlots([wandering], to);
      await consumer.begin(true);
      t.strictSame(tenures(), before, 'so that nobody else is refused in turn');
      t.equal(await consumer.session.change(), SLOTS_MOVED, 'another epoch is due that notes them');
      consumer.send(USERS);
      await consumer.count(9_500);
      const others = USERS.filter((userId) => slots.get(userId) !== wandering);
      t.strictSame((await consumer.audit(others)).differences, []);
      await consumer.begin();
      t.not(tenures().join(), before.join());
      await isExact(sharing(wandering));
      await consumer.fill(USERS);
      await isExact();
    },
  );

  await t.test('a slot was away for so short a time that no epoch has seen it', async (t) => {
    const from = nodeOf(consumer.portOf(wanderer!));
    const to = nodes.find((node) => node !== from)!;
    const before = ids();
    const there = usersOn(from);
    const { reader } = await readerOf(t, world.store, { ...world.settings, rememberedBytesMax: 10_000_000 });
    const read = (nowMs = Date.now()) =>
      reader.read(wanderer!, { from: nowMs - 60 * DAY_MS, until: nowMs + 1 }, nowMs);
    const { today } = await read();
    await cluster.moveSlots([wandering], to);
    await countAmidMoves(10_000);
    await cluster.moveSlots([wandering], from);
    const answer = await until(read, ({ asOfMs }) => asOfMs === undefined || asOfMs >= 10_000);
    t.equal(answer.today, today + 1, 'no reader takes their counters for those of the generation');
    await consumer.begin();
    for (const [port, id] of ids()) t.equal(id === before.get(port), port !== from.port);
    await isExact(there);
    await consumer.fill(USERS);
    await isExact();
  });

  await t.test('while a slot is on its way, its users wait, and the session stays', async (t) => {
    const [userId] = USERS;
    const from = nodeOf(consumer.portOf(userId!));
    const to = nodes.find((node) => node !== from)!;
    const slot = slots.get(userId!)!;
    const state = (node: ClusterNode, ...words: string[]) =>
      askNode(node, (admin) => admin.call('CLUSTER', 'SETSLOT', slot, ...words));
    await state(to, 'IMPORTING', from.id);
    await state(from, 'MIGRATING', to.id);
    await askNode(from, (admin) =>
      admin.call('MIGRATE', to.host, to.port, '', 0, 5_000, 'KEYS', `ct2:{${userId}}`),
    );
    consumer.send(USERS);
    await t.rejects(consumer.count(), { code: 'COUNTERS_MOVING' });
    t.ok(consumer.session.isOpen, 'so that nobody else starts anew');
    await state(from, 'STABLE');
    await state(to, 'STABLE');
    // The key that moved cannot be seen where the slot stays. The user is unknown, which is never zero.
    await consumer.count(6_000);
    await consumer.fill(USERS);
    await isExact();
  });

  await t.test('all masters are away: nothing is counted', async (t) => {
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
    await consumer.session.ended;
    await t.rejects(consumer.begin(), { code: 'COUNTERS_LOST' });
    await Promise.all(nodes.map((node) => node.start()));
    await cluster.whole();
    await consumer.begin();
    await consumer.count();
    await isExact();
  });
  await t.test('masters without users of a batch hear of it later, and not too late', async (t) => {
    const [userId] = USERS;
    await consumer.begin();
    await consumer.count(9_000);
    const own = consumer.portOf(userId!);
    const checkpoints = async () => {
      const found = await readGenerations(consumer.session);
      return new Map([...found].map(([{ address }, one]) => [address!.port, one.checkpoints.get('0:0')!]));
    };
    const before = consumer.next - 1;
    consumer.send([userId!, userId!]);
    await consumer.count();
    for (const [port, through] of await checkpoints()) t.equal(through, before + (port === own ? 2 : 0));
    t.equal(await consumer.begin(), before + 1, 'after a kill, these events are read again');
    await consumer.count(9_100);
    t.strictSame(new Set((await checkpoints()).values()), new Set([before + 2]), 'with as-of');
    await isExact();
    consumer.send([userId!], {}, 8_000);
    await consumer.count();
    t.equal(new Set((await checkpoints()).values()).size, 2);
    consumer.send([userId!], {}, 8_000);
    await consumer.count();
    t.strictSame(
      new Set((await checkpoints()).values()),
      new Set([consumer.next - 1]),
      'or if they are far behind',
    );
    t.equal(await consumer.begin(), consumer.next, 'so that nobody becomes cold');
    await isExact();
  });
});
