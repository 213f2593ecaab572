/** Where a node stands: the ids from the root to it, joined by `/`, as in `shop/workers/hash`. */
export type ChildPath = string;

/** The shape by which a tree of specs carries its literal ids. */
export interface TreeNode {
  readonly id: string;
  readonly children?: readonly TreeNode[] | undefined;
}

/**
 * Every path below a node, relative to it: `'rates' | 'workers' | 'workers/hash'`. Where the children
 * are not known to the compiler (ids of type `string`, instances of a dynamic supervisor) any path compiles.
 */
export type PathsOf<Node> = Node extends { readonly children: readonly (infer Child)[] }
  ? PathsFrom<Child>
  : never;

type PathsFrom<Child> = Child extends { readonly id: infer Id extends string }
  ?
      | Id
      | (PathsOf<Child> extends infer Rest extends string
          ? [Rest] extends [never]
            ? never
            : `${Id}/${Rest}`
          : never)
      | (Child extends { readonly kind: 'dynamic' } ? `${Id}/${string}` : never)
  : never;

/** The spec that a path leads to. */
export type NodeAt<Node, Path extends string> = Node extends { readonly children: readonly (infer Child)[] }
  ? Path extends `${infer Head}/${infer Rest}`
    ? NodeAt<Named<Child, Head>, Rest>
    : Named<Child, Path>
  : never;

type Named<Child, Id extends string> = Child extends { readonly id: infer Own extends string }
  ? string extends Own
    ? Child
    : Id extends Own
      ? Child
      : never
  : never;
