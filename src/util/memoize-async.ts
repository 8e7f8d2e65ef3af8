/**
 * Returns a function that calls `work` once per key and shares the promise. A rejected promise is
 * not kept, so that the next call tries again.
 */
export function memoizeAsync<Key, Value, Rest extends unknown[]>(
  work: (key: Key, ...rest: Rest) => Promise<Value>,
): (key: Key, ...rest: Rest) => Promise<Value> {
  const known = new Map<Key, Promise<Value>>()
  return (key, ...rest) => {
    let promise = known.get(key)
    if (!promise) {
      promise = work(key, ...rest)
      known.set(key, promise)
      promise.catch(() => known.delete(key))
    }
    return promise
  }
}
