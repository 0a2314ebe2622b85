// What the viewer of models needs of three.js, and how it shows one.
import {
  AmbientLight, Box3, Color, DirectionalLight, HemisphereLight, PerspectiveCamera, Scene, Sphere, SRGBColorSpace, WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";

/** Shows the GLB at `url` in `stage`; resolves with its canvas once the model stands there. */
export async function show(stage, url) {
  const model = (await new GLTFLoader().loadAsync(url)).scene;
  const ball = new Box3().setFromObject(model).getBoundingSphere(new Sphere());
  const scene = new Scene();
  scene.background = new Color(0x2b2a28);
  scene.add(model, new AmbientLight(0xffffff, 0.4), new HemisphereLight(0xffffff, 0x8a847a, 1.2));
  const camera = new PerspectiveCamera(30, 4 / 3, ball.radius / 100, ball.radius * 100);
  camera.position.set(0.55, 0.42, 1).normalize().multiplyScalar((0.75 * ball.radius) / Math.sin(0.26)).add(ball.center);
  const key = new DirectionalLight(0xffffff, 2);
  camera.add(key);
  key.position.set(-0.7, 0.8, 1);
  scene.add(camera);
  const renderer = new WebGLRenderer({ antialias: true });
  renderer.outputColorSpace = SRGBColorSpace;
  renderer.setPixelRatio(Math.min(2, window.devicePixelRatio));
  const canvas = renderer.domElement;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  stage.append(canvas);
  const controls = new OrbitControls(camera, canvas);
  controls.target.copy(ball.center);
  controls.enablePan = false;
  const draw = () => renderer.render(scene, camera);
  const fit = () => {
    const width = stage.clientWidth;
    const height = Math.min(width * 0.75, window.innerHeight * 0.8);
    camera.aspect = width / height;
    camera.updateProjectionMatrix();
    renderer.setSize(width, height);
    draw();
  };
  controls.addEventListener("change", draw);
  new ResizeObserver(fit).observe(stage);
  canvas.addEventListener("keydown", (event) => {
    const step = 0.15;
    const turn = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    const nearer = { "+": 0.9, "=": 0.9, "-": 1.1 }[event.key];
    if (!turn && !nearer) return;
    event.preventDefault();
    const from = camera.position.clone().sub(ball.center);
    if (nearer) from.multiplyScalar(nearer);
    if (turn) {
      from.applyAxisAngle(camera.up, turn[0]);
      const polar = Math.acos(from.y / from.length()) + turn[1];
      const flat = Math.hypot(from.x, from.z) || 1;
      const length = from.length();
      const clamped = Math.min(Math.PI - 0.1, Math.max(0.1, polar));
      const ring = length * Math.sin(clamped);
      from.set((from.x / flat) * ring, length * Math.cos(clamped), (from.z / flat) * ring);
    }
    camera.position.copy(from.add(ball.center));
    controls.update();
    draw();
  });
  controls.update();
  fit();
  return canvas;
}
