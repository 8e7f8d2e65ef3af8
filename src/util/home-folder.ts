import { homedir } from 'node:os'

/**
 * Returns the user's home folder; one that does not exist for a user id without a passwd entry and
 * without HOME, as containers have it.
 */
export function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return '/nonexistent'
  }
}
