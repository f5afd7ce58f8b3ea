/** The name an item is known by: completions have names of their own, apart from the ids that hosts give (B23). */
export function knownName(item: { readonly id: string; readonly incarnation?: number | undefined }): string {
  return item.incarnation === undefined ? item.id : `\0exec ${item.id}`;
}
