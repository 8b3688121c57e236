// Drawing with WebGL2: keeps three textures and a table, and draws one picture when told.

import { CHANNEL, COMPARE, FRAGMENT, TINT, VERTEX } from "./shader.js";

const BACKGROUND = 0.157; // neutral grey around the picture, display value: code 40, dark enough not to lift the eye's black

export class View {
  #held = {}; // texture unit -> what it holds

  /** `restored` is called when a lost graphics context is back, to draw again. Throws where the browser has no WebGL2. */
  constructor(canvas, restored) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    if (!this.gl) throw new Error("this browser has no WebGL2");
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.#prepare();
      restored();
    });
    this.#prepare();
  }

  #prepare() {
    const { gl } = this;
    this.#held = {};
    this.program = linked(gl);
    gl.useProgram(this.program);
    gl.bindVertexArray(gl.createVertexArray());
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.where = new Proxy({}, { get: (known, name) => (known[name] ??= gl.getUniformLocation(this.program, name)) });
    ["pictureA", "pictureB", "plane", "lut"].forEach((name, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(unit === 3 ? gl.TEXTURE_3D : gl.TEXTURE_2D, gl.createTexture());
      gl.uniform1i(this.where[name], unit);
    });
  }

  /** Draw. `scene` has a, b, plane (pictures or null), lut {size, texels}, encoding, camera {scale, x, y}, plate [w, h], fullWidth
   * of a picture that is not made smaller, and the settings. */
  draw(scene) {
    const { gl, where } = this;
    const { scale } = scene.camera;
    const whole = (picture) => picture?.width === scene.fullWidth && (scale === 1 || scale >= 2); // then pixels are shown as they are
    this.#picture(0, scene.a, whole(scene.a));
    this.#picture(1, scene.b, whole(scene.b));
    this.#picture(2, scene.plane, false);
    this.#table(scene.lut);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.uniform2f(where.canvas, this.canvas.width, this.canvas.height);
    gl.uniform3f(where.camera, scene.camera.scale, scene.camera.x, scene.camera.y);
    gl.uniform2f(where.plate, ...scene.plate);
    gl.uniform1i(where.hasA, scene.a ? 1 : 0);
    gl.uniform1i(where.hasB, scene.b ? 1 : 0);
    gl.uniform1i(where.compare, COMPARE[scene.compare]);
    gl.uniform1i(where.channel, CHANNEL[scene.channel]);
    gl.uniform1i(where.tint, scene.plane ? TINT[scene.tint] : TINT.none);
    for (const name of ["wipe", "gain", "exposure", "gamma", "tintOpacity"]) gl.uniform1f(where[name], scene[name]);
    gl.uniform1f(where.background, BACKGROUND);
    this.#encoding(scene.encoding);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  #encoding(e) {
    const { gl, where } = this;
    gl.uniform2f(where.codes, e.low, e.high);
    gl.uniform4f(where.toe, e.toe_slope, e.toe_offset, e.x_break, e.y_break);
    gl.uniform2f(where.curve, e.log_scale, e.log_bias);
  }

  #picture(unit, picture, exact) {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0 + unit);
    const filter = exact ? gl.NEAREST : gl.LINEAR;
    if (picture && this.#held[unit] !== picture) {
      const { width, height, pixels } = picture;
      if (picture.plane) gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, width, height, 0, gl.RED, gl.UNSIGNED_BYTE, pixels);
      else gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB10_A2, width, height, 0, gl.RGBA, gl.UNSIGNED_INT_2_10_10_10_REV, pixels);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
      this.#held[unit] = picture;
    }
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
  }

  #table(lut) {
    if (this.#held.lut === lut) return;
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE3);
    gl.texImage3D(gl.TEXTURE_3D, 0, gl.RGBA16F, lut.size, lut.size, lut.size, 0, gl.RGBA, gl.HALF_FLOAT, lut.texels);
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MIN_FILTER, gl.NEAREST); // the shader reads single entries
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    this.#held.lut = lut;
  }
}

function linked(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(`the graphics driver refuses the shader: ${gl.getShaderInfoLog(shader)}`);
  }
  gl.linkProgram(program);
  return program;
}
