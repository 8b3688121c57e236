// The one fragment shader: two pictures, a plane over them and the show's view, as one pass.

export const COMPARE = { a: 0, b: 1, "wipe-v": 2, "wipe-h": 3, difference: 4, side: 5 };
export const CHANNEL = { colour: 0, red: 1, green: 2, blue: 3, alpha: 4, luma: 5 };
export const TINT = { none: 0, matte: 1, confidence: 2 };

export const VERTEX = `#version 300 es
void main() {                                    // one triangle that covers the canvas
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

export const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler3D;

uniform sampler2D pictureA, pictureB, plane;
uniform sampler3D lut;
uniform bool hasA, hasB;
uniform vec2 canvas;                             // device pixels
uniform vec3 camera;                             // device pixels a plate pixel; where the plate's corner lies in a pane
uniform vec2 plate;                              // width and height, plate pixels
uniform int compare, channel, tint;
uniform float wipe, gain, exposure, gamma, tintOpacity, background;
uniform vec2 codes;                              // log value at code 0, and at code 1
uniform vec4 toe;                                // slope, offset, linear break, log break
uniform vec2 curve;                              // scale and bias of the logarithm: log = log2(linear) / scale + bias
const vec3 LUMA = vec3(0.2722287, 0.6740818, 0.0536895); // of the ACES working primaries (AP1)
out vec4 shown;

vec3 toLinear(vec3 code) {
  vec3 y = mix(vec3(codes.x), vec3(codes.y), code);
  return mix(exp2((y - curve.y) * curve.x), (y - toe.y) / toe.x, lessThanEqual(y, vec3(toe.w)));
}

vec3 toCode(vec3 linear) {
  vec3 y = mix(log2(max(linear, toe.z)) / curve.x + curve.y, linear * toe.x + toe.y, lessThanEqual(linear, vec3(toe.z)));
  return (y - codes.x) / (codes.y - codes.x);
}

vec3 entry(ivec3 at) { return texelFetch(lut, at, 0).rgb; }

// Tetrahedral, as colour management on the farm does it; a graphics card's own filter has 8 bits between entries.
vec3 view(vec3 code) {
  int top = textureSize(lut, 0).x - 1;
  vec3 at = clamp(code, 0.0, 1.0) * float(top);
  ivec3 low = min(ivec3(at), top - 1);
  vec3 f = at - vec3(low);
  ivec3 first = f.x >= f.y ? (f.x >= f.z ? ivec3(1, 0, 0) : ivec3(0, 0, 1)) : (f.y >= f.z ? ivec3(0, 1, 0) : ivec3(0, 0, 1));
  ivec3 last = f.x < f.y ? (f.x < f.z ? ivec3(1, 0, 0) : ivec3(0, 0, 1)) : (f.y < f.z ? ivec3(0, 1, 0) : ivec3(0, 0, 1));
  float high = max(f.x, max(f.y, f.z)), least = min(f.x, min(f.y, f.z)), middle = f.x + f.y + f.z - high - least;
  return entry(low) * (1.0 - high) + entry(low + first) * (high - middle)
    + entry(low + 1 - last) * (middle - least) + entry(low + 1) * least;
}

vec3 graded(vec3 c) {
  if (exposure != 0.0) c = toCode(toLinear(c) * exp2(exposure));
  if (channel >= 1 && channel <= 3) c = vec3(c[channel - 1]);
  if (channel == 5) c = toCode(vec3(dot(toLinear(c), LUMA)));
  return pow(clamp(view(c), 0.0, 1.0), vec3(1.0 / gamma));
}

// What the two bits of a pixel say: 0 there is none, 1 it is no number, 3 it is one.
float mark(bool second, vec2 part) {
  ivec2 size = second ? textureSize(pictureB, 0) : textureSize(pictureA, 0);
  ivec2 pixel = ivec2(part * vec2(size));
  return second ? texelFetch(pictureB, pixel, 0).a : texelFetch(pictureA, pixel, 0).a;
}

vec3 tinted(vec3 colour, float value) {
  if (tint == 1) return mix(colour, vec3(0.95, 0.25, 0.2), value * tintOpacity);
  if (tint == 2) return mix(colour, mix(vec3(1.0, 0.45, 0.0), vec3(0.1, 0.6, 1.0), value), value > 0.0 ? tintOpacity : 0.0);
  return colour;
}

void main() {
  vec2 at = vec2(gl_FragCoord.x, canvas.y - gl_FragCoord.y);
  bool second = compare == 1;
  if (compare == 5) {
    float half_ = floor(canvas.x / 2.0);
    second = at.x >= half_;
    if (second) at.x -= half_;
  }
  vec2 spot = (at - camera.yz) / camera.x;       // plate pixels
  vec2 part = spot / plate;
  shown = vec4(vec3(background), 1.0);
  if (any(lessThan(part, vec2(0.0))) || any(greaterThanEqual(part, vec2(1.0)))) return;
  if (compare == 2) second = part.x >= wipe;
  if (compare == 3) second = part.y >= wipe;
  if (compare == 4) {
    if (!hasA || !hasB) return;
    vec3 apart = abs(texture(pictureA, part).rgb - texture(pictureB, part).rgb) * gain; // of log codes: as much in shadows as in lights
    shown.rgb = channel >= 1 && channel <= 3 ? vec3(apart[channel - 1]) : apart;
    return;
  }
  if (second ? !hasB : !hasA) return;
  float kind = mark(second, part);
  if (kind < 0.2) return;
  float matte = texture(plane, part).r;
  vec4 code = second ? texture(pictureB, part) : texture(pictureA, part);
  vec3 colour = channel == 4 ? vec3(second ? 1.0 : matte) : graded(code.rgb);
  shown.rgb = kind < 0.9 ? vec3(1.0, 0.0, 1.0) : tinted(colour, matte);
}`;
