export * from '@unplugin-kms/runtime'
