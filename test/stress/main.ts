/** `npm run stress [-- <kills per storm> [<seed>]]`: the long form of the storms; fails if anything was lost, torn or stuck. */
import { STORMS } from './storms.js';

const kills = Number(process.argv[2] ?? 1_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
console.log(
  `seed ${seed}\n\n| storm | kills | inside | uses | told of a death | longest wait | faults |\n|---|---|---|---|---|---|---|`,
);
for (const storm of STORMS) {
  if (storm.skip) {
    console.log(`| ${storm.name} | not to be had here | | | | | |`);
    continue;
  }
  const report = await storm.run({ kills, seed });
  const { killedInside = '', uses, recoveries, longestWaitMs, faults } = report;
  console.log(
    `| ${storm.name} | ${report.kills} | ${killedInside} | ${uses} | ${recoveries} | ${Math.round(longestWaitMs)} ms | ${faults.length} |`,
  );
  for (const fault of faults) console.log(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}
