"""Overlap for ears: each joint follows the one before it, two frames late. CC0."""

import bpy

DELAY = 2  # frames between one joint and the next
FALL_OFF = 0.8  # how much of the turn is left at each joint


def follow(armature, chain):
    """Copies the turn of the first bone of `chain` to the others, later and weaker."""
    action = armature.animation_data.action
    root = [c for c in action.fcurves if f'"{chain[0]}"' in c.data_path]
    for place, bone in enumerate(chain[1:], start=1):
        for curve in root:
            path = curve.data_path.replace(chain[0], bone)
            late = action.fcurves.find(path, index=curve.array_index)
            late = late or action.fcurves.new(path, index=curve.array_index)
            for key in curve.keyframe_points:
                frame, value = key.co
                late.keyframe_points.insert(frame + DELAY * place, value * FALL_OFF**place)


for side in ("L", "R"):
    follow(bpy.context.object, [f"ear_{n}.{side}" for n in range(1, 5)])
