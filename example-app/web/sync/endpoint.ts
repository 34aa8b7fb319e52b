/** Where the plugin is registered. */
export const endpoint = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/documents`
