/** Annotations of config.json that change what runt does (config.md#annotations) and have one fixed name. */

/** crun's: the option of mount(2) that carries linux.mountLabel. */
export const mountContextType = 'run.oci.mount_context_type'

/** crun's: all processes of the container keep their caller's supplementary groups, and get no others. Anything but 0 says so. */
export const keepOriginalGroups = 'run.oci.keep_original_groups'

/** Whether the annotations ask for `keepOriginalGroups`. */
export function keepsGroups(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return (annotations?.[keepOriginalGroups] ?? '0') !== '0'
}
