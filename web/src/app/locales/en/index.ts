/** All English texts as one chunk, loaded when somebody asks for English. */
export const files = import.meta.glob('./*.json', { eager: true, import: 'default' })
