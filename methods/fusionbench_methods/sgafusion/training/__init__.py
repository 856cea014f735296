"""How SGAFusion is trained: the stages clip, experts, joint and finetune, and presets of their settings."""
