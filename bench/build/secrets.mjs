export const secretName = (index) => `BENCH_SECRET_${index}`
export const secretValue = (index) =>
  `value-${index}-${(index * 2654435761) % 2 ** 32}-c0rrect-h0rse`
