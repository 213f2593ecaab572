import type { ReclaimReport } from '../../resources/index.js';
import type { Command } from '../command.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { asJson } from '../json.js';
import { failed, ledgerLines, released, wouldRelease } from '../ledgers.js';
import { JSON_OPTION, PLACE_OPTIONS, placeOf } from '../registry-place.js';

/** Releases what dead programs have left behind. */
export const reclaim: Command = {
  name: 'reclaim',
  summary: 'release what dead programs of this user have left behind',
  options: {
    'dry-run': { type: 'boolean', summary: 'say what would be released and why, and touch nothing' },
    ...PLACE_OPTIONS,
    ...JSON_OPTION,
  },
  async run(values, terminal) {
    const { reclaimLeftovers, survey } = await import('../../resources/index.js');
    const place = placeOf(values);
    const report = values.has('dry-run') ? (await survey(place)).reclaim : await reclaimLeftovers(place);
    if (values.has('json')) terminal.say(asJson(report));
    else terminal.say(closingLine(report, values.has('dry-run')), ...ledgerLines(report, terminal));
    for (const { path, why } of report.refused)
      terminal.complain(`treewarden: ${path} was not looked into: ${why}.`);
    return exitCodeOf(report);
  },
};

function closingLine(report: ReclaimReport, dryRun: boolean): string {
  if (dryRun) return `${wouldRelease(report)} would be released.`;
  const left = failed(report);
  return `${released(report)} released${left === 0 ? '.' : `, ${left} could not be.`}`;
}

function exitCodeOf(report: ReclaimReport): ExitCode {
  if (failed(report) > 0 || report.refused.length > 0) return EXIT.incomplete;
  return wouldRelease(report) > 0 ? EXIT.findings : EXIT.ok;
}
