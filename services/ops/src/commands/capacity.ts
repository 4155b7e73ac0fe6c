import { type Command, InvalidArgumentError } from 'commander';
import { ceilingsOf } from '../capacity/ceilings.ts';
import { costsOf, type Inputs, inputsOf, NUMBER_INPUTS, optionOf } from '../capacity/inputs.ts';
import { planOf } from '../capacity/needs.ts';
import { jsonOf, linesOf } from '../capacity/report.ts';
import { burstOf, simulate, whyNotPlayed } from '../capacity/simulate.ts';
import type { Context } from '../context.ts';

const HELP = `
Asks no engine and needs no settings. Where each cost is from, and what the words mean: docs/capacity.md.

Examples:
  $ calltally capacity --users 1e6 --calls-per-day 20
  $ calltally capacity --users 1e8 --no-detail --master-gib 64 --json
  $ calltally capacity --users 1e6 --cost mongo-row-bytes=180 --cost mongo-index-bytes=60`;

const BURST_FACTOR = 2;
const BURST_SECONDS = 60;

interface Options extends Partial<Inputs> {
  cost?: string[];
  burstFactor: number;
  burstSeconds: number;
  json?: true;
}

/** `capacity`: what a platform needs of each part, and what breaks first. */
export function addCapacity(program: Command, context: Context): void {
  const command = program
    .command('capacity')
    .description('what a platform of a certain size needs of each part, and what breaks first');
  for (const [name, { default: usual, about }] of Object.entries(NUMBER_INPUTS)) {
    command.option(`${optionOf(name)} <n>`, about, number, usual);
  }
  command
    .option('--no-detail', 'without sums by half-hour, agent, direction and status (COUNTERS_DETAIL=off)')
    .option(
      '--burst-factor <n>',
      'of the burst that is simulated: how many times the busiest second',
      number,
      BURST_FACTOR,
    )
    .option('--burst-seconds <n>', 'how long it lasts', number, BURST_SECONDS)
    .option(
      '--cost <name=value>',
      'a cost that you have measured yourself; repeat for each',
      (text: string, before: string[] = []) => [...before, text],
    )
    .option(
      '--json',
      'print {"inputs", "costs", "load", "counting", "counts", "needs", "first_to_break", "ceilings", "ceiling", "simulation"}',
    )
    .addHelpText('after', HELP)
    .action((options: Options) => showCapacity(options, context));
}

function showCapacity({ cost, json, burstFactor, burstSeconds, ...given }: Options, context: Context): void {
  const inputs = inputsOf(given);
  const costs = costsOf(cost, inputs);
  const plan = planOf(inputs, costs);
  const burst = burstOf(burstFactor, burstSeconds);
  const report = {
    inputs,
    costs,
    plan,
    ceilings: ceilingsOf(inputs, costs, plan),
    burst,
    simulated: whyNotPlayed(plan) ?? simulate(inputs, costs, plan, burst),
  };
  if (json) context.printJson(jsonOf(report));
  else for (const line of linesOf(report)) context.print(line);
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Write a number, such as 10000 or 1e4.');
}
