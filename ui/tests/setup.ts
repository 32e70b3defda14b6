/** What jsdom lacks and every view asks for. */
if (typeof window !== 'undefined') window.matchMedia = ((query: string) => ({ matches: false, media: query, addEventListener: () => undefined })) as unknown as typeof window.matchMedia;
