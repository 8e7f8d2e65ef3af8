// @ts-check
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Makes a control group that limits its processes to a share of one CPU, in periods of 20 ms. Needs
 * root, and cgroup v2 or the cpu controller of v1.
 *
 * @param {number} percent
 * @returns {{ join: string, remove: () => void }} `join` is a shell command that puts the shell into the group
 */
export function cpuShare(percent) {
  const v1 = existsSync('/sys/fs/cgroup/cpu/cgroup.procs')
  const folder = join('/sys/fs/cgroup', v1 ? 'cpu' : '', `cold-start-${process.pid}`)
  mkdirSync(folder)
  const [period, quota] = [20_000, percent * 200]
  if (v1) {
    writeFileSync(join(folder, 'cpu.cfs_period_us'), String(period))
    writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quota))
  } else {
    writeFileSync(join(folder, 'cpu.max'), `${quota} ${period}`)
  }
  return {
    join: `echo $$ > ${folder}/cgroup.procs`,
    remove: () => rmdirSync(folder),
  }
}
