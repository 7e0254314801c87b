// Timers of a page in the background are held back; those of a worker are not. Sends an id back after its time.
onmessage = ({ data: [id, ms] }: MessageEvent<[number, number]>) => setTimeout(() => postMessage(id), ms);
