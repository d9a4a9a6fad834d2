/** A picture with something to read on it, drawn by the browser: each is another. */
export async function picture(page, text, type) {
  const data = await page.evaluate(
    ([words, kind]) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [1_280, 820];
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#dfe7ee";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      for (let line = 0; line < 40; line += 1) {
        pen.fillStyle = line % 2 ? "#33506b" : "#7a94ab";
        pen.fillRect(40 + ((line * 97) % 1_100), 30 + line * 19, 60 + ((line * 31) % 120), 9);
      }
      pen.fillStyle = "#101820";
      pen.font = "44px sans-serif";
      pen.fillText(`${words} SITI NURHALIZA`, 80, 200);
      pen.fillText("NIK 3171015708450001", 80, 300);
      return canvas.toDataURL(kind, 0.92).split(",")[1];
    },
    [text, type],
  );
  return Buffer.from(data, "base64");
}
