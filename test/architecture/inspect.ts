import ts from 'typescript';

/** One file below `src/`, by its path from there: `core/intensity.ts`. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** What a file imports, and which globals it touches. */
export interface Inspection {
  readonly path: string;
  readonly imports: readonly Mention[];
  readonly uses: readonly Mention[];
}

export interface Mention {
  readonly name: string;
  readonly line: number;
}

/** Parses a file: static, re-exported, type-only and dynamic imports, and every global it reads. */
export function inspect({ path, text }: Source): Inspection {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Mention[] = [];
  const uses: Mention[] = [];
  const mention = (list: Mention[], name: string, node: ts.Node): void => {
    list.push({ name, line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1 });
  };
  const visit = (node: ts.Node): void => {
    const imported = importedModule(node);
    if (imported !== undefined) mention(imports, imported, node);
    for (const used of globalsUsed(node)) mention(uses, used, node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, imports, uses };
}

function importedModule(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isExternalModuleReference(node)) return literal(node.expression);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literal(node.argument.literal);
  if (ts.isCallExpression(node) && isLoader(node.expression)) return literal(node.arguments[0]);
  return undefined;
}

function isLoader(callee: ts.Expression): boolean {
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(callee) && callee.text === 'require') ||
    (ts.isPropertyAccessExpression(callee) && callee.getText() === 'require.resolve')
  );
}

function literal(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

/** `setTimeout`, `Date.now`, `process['exit']`, `globalThis.setTimeout`, `const { exit } = process`, `new Date()`. */
function globalsUsed(node: ts.Node): readonly string[] {
  if (ts.isIdentifier(node)) return isReference(node) ? [node.text] : [];
  if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) return memberUsed(node);
  if (ts.isVariableDeclaration(node)) return membersUnpacked(node);
  if (ts.isImportDeclaration(node)) return membersImported(node);
  if (ts.isNewExpression(node) && (node.arguments?.length ?? 0) === 0)
    return [`new ${node.expression.getText()}`];
  return [];
}

function memberUsed(node: ts.PropertyAccessExpression | ts.ElementAccessExpression): readonly string[] {
  const member = ts.isPropertyAccessExpression(node) ? node.name.text : literal(node.argumentExpression);
  if (member === undefined) return [];
  const owner = node.expression.getText().replace(/^(globalThis|global)\??\./, '');
  return owner === 'globalThis' || owner === 'global' ? [member] : [`${owner}.${member}`];
}

function membersUnpacked({ name, initializer }: ts.VariableDeclaration): readonly string[] {
  if (!ts.isObjectBindingPattern(name) || initializer === undefined) return [];
  const owner = initializer.getText();
  return name.elements.map((element) => {
    const member = (element.propertyName ?? element.name).getText();
    return owner === 'globalThis' ? member : `${owner}.${member}`;
  });
}

/** `import { exit } from 'node:process'` is `process.exit`. */
function membersImported({ moduleSpecifier, importClause }: ts.ImportDeclaration): readonly string[] {
  const owner = literal(moduleSpecifier)?.replace(/^node:/, '');
  const bindings = importClause?.namedBindings;
  if (owner === undefined || bindings === undefined || !ts.isNamedImports(bindings)) return [];
  return bindings.elements.map((element) => `${owner}.${(element.propertyName ?? element.name).text}`);
}

/** Is this identifier read as a value, rather than the name of a member, a binding or a type? */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isTypeNode(parent) || ts.isQualifiedName(parent)) return false;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  return !(parent as { name?: ts.Node }).name || (parent as { name?: ts.Node }).name !== node;
}
