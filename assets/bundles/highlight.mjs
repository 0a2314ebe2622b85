// The languages that studios and their schools write in.
import highlighter from "highlight.js/lib/common";
import glsl from "highlight.js/lib/languages/glsl";
import cmake from "highlight.js/lib/languages/cmake";

highlighter.registerLanguage("glsl", glsl);
highlighter.registerLanguage("cmake", cmake);
highlighter.registerAliases(["osl", "frag", "vert"], { languageName: "glsl" });
highlighter.registerAliases(["toml", "cfg", "conf"], { languageName: "ini" });
export default highlighter;
