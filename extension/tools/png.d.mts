/** palettePNG writes pixels (red, green, blue, alpha; a byte each) with so many colours at most. */
export function palettePNG(
  pixels: Uint8Array,
  width: number,
  height: number,
  limits?: { alphaSteps?: number; colours?: number },
): Buffer;

/** readPNG reads a screenshot (8 bits, with or without alpha, not interlaced) as red, green, blue, alpha. */
export function readPNG(file: Uint8Array): { width: number; height: number; pixels: Buffer };
