/**
 * What the baseline browser (Chromium 86) lacks of the built-ins that our libraries call. The build lowers syntax
 * only; these are the library half of it.
 */
function define(target: object, name: string, value: unknown): void {
  if (!(name in target)) Object.defineProperty(target, name, { value, writable: true, configurable: true })
}

function at<T>(this: ArrayLike<T>, index: number): T | undefined {
  const i = Math.trunc(index) || 0
  return this[i < 0 ? this.length + i : i]
}

for (const prototype of [Array.prototype, String.prototype, Object.getPrototypeOf(Int8Array.prototype) as object]) {
  define(prototype, 'at', at)
}

define(Array.prototype, 'findLast', function findLast<T>(this: T[], test: (v: T, i: number, a: T[]) => unknown) {
  for (let i = this.length - 1; i >= 0; i--) if (test(this[i]!, i, this)) return this[i]
  return undefined
})

define(Array.prototype, 'findLastIndex', function findLastIndex<
  T,
>(this: T[], test: (v: T, i: number, a: T[]) => unknown) {
  for (let i = this.length - 1; i >= 0; i--) if (test(this[i]!, i, this)) return i
  return -1
})

define(Object, 'hasOwn', (object: object, key: PropertyKey) => Object.prototype.hasOwnProperty.call(object, key))
