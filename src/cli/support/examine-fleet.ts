import type { Fleet, FleetOptions } from '../../fleet/types.js'
import { waiting } from './output.js'

/** Examines a fleet, and shows on a terminal how far it is. The total grows with each page of the list. */
export async function examineWithProgress(options: FleetOptions): Promise<Fleet> {
  const { examineFleetInWorker } = await import('../../fleet/worker.js')
  return waiting('listing functions', (show) =>
    examineFleetInWorker({
      ...options,
      onProgress: (done, known) => show(`${done} of ${known} listed functions examined`),
    }),
  )
}
