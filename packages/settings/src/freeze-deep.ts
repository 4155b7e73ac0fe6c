/** Freezes a tree of plain objects and arrays, so that no part of a process can change another's settings. */
export function freezeDeep<Tree>(tree: Tree): Tree {
  if (typeof tree === 'object' && tree !== null) Object.values(tree).forEach(freezeDeep);
  return Object.freeze(tree);
}
