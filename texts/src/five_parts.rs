//! The evaluation of a model in five parts, for people.

use crate::texts;

texts! {
    title(purpose) { en: "Evaluation of the model for {purpose}", zh: "模型评估报告：{purpose}" }
    background() { en: "1. Background", zh: "一、评估背景" }
    target() { en: "2. Target", zh: "二、评估对象" }
    method() { en: "3. Method", zh: "三、评估方法" }
    result() { en: "4. Result", zh: "四、评估结果" }
    conclusion() { en: "5. Conclusion", zh: "五、评估结论" }
    background_line(purpose) {
        en: "The model serves the purpose \"{purpose}\". It was learnt from several branches together, whose rows stayed with them.",
        zh: "该模型用于“{purpose}”，由多家分行联合学习得到，数据未离开各分行。",
    }
    approver() { en: "approved by (privacy officer)", zh: "批准人（隐私官）" }
    parameters() { en: "numbers of the model", zh: "参数个数" }
    card() { en: "digest of the model card", zh: "模型卡摘要值" }
    stages() { en: "Stages of the plan", zh: "计划的阶段" }
    rounds() { en: "rounds", zh: "轮数" }
    means() { en: "What was done", zh: "采用的方法" }
    secure_aggregation() {
        en: "Secure aggregation: the coordinator sees sums of masked uploads alone.",
        zh: "安全聚合：协调方仅能得到带掩码上传的总和。",
    }
    differential_privacy() {
        en: "Differential privacy: noise was added to every sum, and every sum was charged to a budget.",
        zh: "差分隐私：每个总和都加入噪声，并计入隐私预算。",
    }
    under_privacy() {
        en: "The figures were counted by the run itself, with noise of their own. Intervals are of 95 %.",
        zh: "各项指标由运行本身统计，并另加噪声；区间为 95%。",
    }
    gates() {
        en: "Gates: the limits stand in the plan, which its owner and a privacy officer signed. The worse end of an interval counts.",
        zh: "准入门槛：限值写入计划，由计划负责人与隐私官签署；以区间的不利一端为准。",
    }
    attacks() {
        en: "Attacks: membership, reconstruction, a lower bound of epsilon, flipped labels, spread of runs.",
        zh: "攻击测试：成员推断、数据重构、epsilon 下界、颠倒标签、多次运行的离散程度。",
    }
    validated() {
        en: "A model validator, who had no part in making the model, judged and signed.",
        zh: "未参与建模的模型验证人作出判断并签署。",
    }
    figures() { en: "Figures", zh: "指标" }
    gate_results() { en: "Gates", zh: "准入门槛" }
    attack_results() { en: "Attacks", zh: "攻击测试" }
    not_tested() { en: "The model was not tested by attacks.", zh: "未对该模型进行攻击测试。" }
    no_gates() { en: "No report on the gates was signed.", zh: "没有已签署的门槛报告。" }
    below_noise(fields) {
        en: "Importance below the noise of the training: {fields}.",
        zh: "重要性低于训练噪声的字段：{fields}。",
    }
    usable() { en: "The model may be used for its purpose.", zh: "该模型可用于既定用途。" }
    usable_with_conditions() {
        en: "The model may be used for its purpose under the conditions below.",
        zh: "在满足下列条件的前提下，该模型可用于既定用途。",
    }
    not_validated() {
        en: "The model is not validated, or its validation has ended: it may not be used.",
        zh: "该模型未经验证或验证已到期，不得使用。",
    }
    not_usable() { en: "The model may not be used.", zh: "该模型不得使用。" }
    why_alarm() {
        en: "An attack shows a larger epsilon than the plan claims.",
        zh: "攻击测得的 epsilon 大于计划承诺值。",
    }
    why_over() { en: "It was retired or withdrawn.", zh: "该模型已退役或撤回。" }
    why_gate_fails() { en: "A gate of its plan does not hold.", zh: "计划的某项门槛未达到。" }
    why_no_report() { en: "No model validator has signed a report on its gates.", zh: "没有模型验证人签署的门槛报告。" }
    why_ended() { en: "Its validation has ended.", zh: "验证已到期。" }
    why_no_attacks() { en: "It was not tested by attacks.", zh: "未进行攻击测试。" }
    why_incomplete() { en: "Its run ended before all rounds of the plan.", zh: "运行在计划的全部轮次完成之前结束。" }
    reasons() { en: "Reasons", zh: "理由" }
    conditions() { en: "Findings and conditions", zh: "发现与条件" }
    review(day) { en: "The next review is on {day} at the latest.", zh: "最迟于 {day} 复审。" }
    signature(key, digest) { en: "Signed by the key {key}; digest {digest}.", zh: "签名密钥 {key}；摘要值 {digest}。" }
}
