/** One fenced code block of a page. */
export interface Block {
  readonly page: string;
  readonly language: string;
  /** The line of the page its code starts on, counted from 1. */
  readonly line: number;
  /** What the reader is assumed to have, from a comment right before the block: `<!-- given … -->`. */
  readonly given: string;
  readonly code: string;
}

/** Extracts the fenced blocks that name a language. */
export function blocksOf(page: string, markdown: string): readonly Block[] {
  return [...markdown.matchAll(BLOCK)].map(({ index, groups }) => {
    const { given = '', indent = '', language = '', code = '' } = groups ?? {};
    const before = markdown.slice(0, markdown.indexOf('\n', index + (groups?.['lead'] ?? '').length) + 1);
    return {
      page,
      language,
      line: before.split('\n').length,
      given: given.trim(),
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trimEnd(),
    };
  });
}

/** A longer fence is a block that shows blocks: it is matched as a whole, so what it shows is not extracted. */
const BLOCK =
  /^(?<lead>(?:[ \t]*<!-- given\n(?<given>[\s\S]*?)-->\n+)?)(?<indent>[ \t]*)(?<fence>`{3,})(?<language>\w+)[^\n]*\n(?<code>[\s\S]*?)^[ \t]*\k<fence>[ \t]*$/gm;
