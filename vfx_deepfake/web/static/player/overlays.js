// A plane over the picture: where the face was replaced (red), or how sure the track is (orange: hardly, blue: very; without colour: not tracked).

export class Overlays {
  /** State keys: layer (name or ""), tintOpacity. `layers` are those the server has. */
  constructor(state, layers) {
    Object.assign(this, { state, layers });
  }

  /** The next matte, after the last one none. */
  nextMatte() {
    const mattes = this.layers.filter((layer) => layer.startsWith("matte"));
    this.state.set({ layer: [...mattes, ""][mattes.indexOf(this.state.now.layer) + 1] });
  }

  toggleConfidence() {
    const name = this.layers.includes("confidence") ? "confidence" : "";
    this.state.set({ layer: this.state.now.layer === name ? "" : name });
  }

  /** How the shader colours the layer. */
  get tint() {
    const { layer } = this.state.now;
    if (!layer) return "none";
    return layer === "confidence" ? "confidence" : "matte";
  }
}
