// The microphone's sound, handed to the page in pieces: an AudioWorklet, which runs beside the page and so loses nothing while the page is busy.
// The browser has mixed it to one channel. The page resamples and encodes it.

/// Samples of a piece: 20 ms or so.
const PIECE = 1024;

class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Int16Array(PIECE);
    this.filled = 0;
    this.on = true;
    // True: goes on. False: stops; the last, unfinished piece and then null say that all has come.
    this.port.onmessage = ({ data }) => {
      this.on = data;
      if (!data) {
        this.hand();
        this.port.postMessage(null);
      }
    };
  }

  hand() {
    const piece = this.piece.slice(0, this.filled);
    this.filled = 0;
    this.port.postMessage(piece, [piece.buffer]);
  }

  process([[samples]]) {
    if (this.on && samples) {
      for (const sample of samples) {
        this.piece[this.filled++] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
        if (this.filled === PIECE) this.hand();
      }
    }
    return true;
  }
}

registerProcessor("callpilot-recorder", Recorder);
